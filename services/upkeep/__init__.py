"""Operations on the store itself, for operators.

commands      the commands, also part of `spotted`
backup        backup and restore of surveys
certificates  certificates of a private authority
cluster       a cluster formed of nodes
upgrade       upgrades of the store's content to this release
version_3     the step from version 2
"""

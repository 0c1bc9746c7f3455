"""Operations on the store itself, for operators.

commands      the commands, also part of `spotted`
backup        backup and restore of surveys
certificates  certificates of a private authority
upgrade       upgrades of the store's content to this release
checksums     the upgrade from version 1 to 2
"""

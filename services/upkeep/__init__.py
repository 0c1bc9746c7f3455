"""What an operator runs on the store itself, beside the services.

commands      the commands, also part of `spotted`
backup        backup and restore of surveys
certificates  certificates of a private authority
upgrade       the store's content upgraded to this release
"""

# Writes the store's password into a file of its configuration: arguments and variables are seen by too many.
set -eu
umask 077
password=$(cat "${PASSWORD_FILE:-/etc/spotted/store/password}")
printf 'requirepass "%s"\nprimaryauth "%s"\n' "$password" "$password" > /run/store/password.conf

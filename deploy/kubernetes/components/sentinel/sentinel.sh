# Writes a Sentinel's own file: what it learnt, or sentinel.conf at its first start, and the store's password.
set -eu
umask 077
file=${SENTINEL_FILE:-/data/sentinel.conf}
own=$(hostname)
watched=spotted
password=$(cat "${PASSWORD_FILE:-/etc/spotted/store/password}")
[ -f "$file" ] || cp /etc/store/sentinel.conf "$file"
grep -vE '^(requirepass|sentinel (auth-pass|sentinel-pass|announce-ip)) ' "$file" > "$file.new"
{
  printf 'requirepass "%s"\nsentinel sentinel-pass "%s"\n' "$password" "$password"
  printf 'sentinel auth-pass %s "%s"\n' "$watched" "$password"
  printf 'sentinel announce-ip %s\n' "$own.${DOMAIN:-spotted-sentinel}"
} >> "$file.new"
mv "$file.new" "$file"

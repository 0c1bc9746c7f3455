# Writes the file that the store starts with, into its volume: Sentinels rewrite it when a role changes, and only
# the role outlives a restart. The first store begins as the primary, the others follow it.
set -eu
file=${ROLE_FILE:-/data/role.conf}
own=$(hostname)
first=${FIRST_STORE:-spotted-store-0.spotted-store}
if [ -f "$file" ]; then
  role=$(grep -E '^replicaof ' "$file" || true)
elif [ "$own.${DOMAIN:-spotted-store}" = "$first" ]; then
  role=
else
  role="replicaof $first ${STORE_PORT:-6379}"
fi
printf 'include /etc/store/store-replicated.conf\nreplica-announce-ip %s\n%s\n' \
  "$own.${DOMAIN:-spotted-store}" "$role" > "$file.new"
mv "$file.new" "$file"

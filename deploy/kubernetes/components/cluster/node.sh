# Writes the file that a node starts with: its name is in the certificate, and outlives its address.
set -eu
file=${NODE_FILE:-/run/store/node.conf}
printf 'include /etc/store/store-cluster.conf\ncluster-announce-hostname %s\n' \
  "$(hostname).${DOMAIN:-spotted-store}" > "$file"

"""Attacks on running services: real processes with tokens, under the memory limits that are shipped.

    python -m tools.attack            every attack in full, under ten minutes (`make attack`)
    python -m tools.attack --short    fewer of each, about a minute

cages         memory cgroups, as containers have them
site          the store and the services under attack
bystanders    another organisation that works meanwhile, and how long its calls take
images        hostile images
streams       calls that stop, are not read, come in floods or are too large
access        tokens that are unknown, or revoked within a stream
stored        two stores on one directory, creations beside deletions
backups       hostile backup files
fields        fields whose content is hostile
outcomes      outcomes of attacks, and the table of all
"""

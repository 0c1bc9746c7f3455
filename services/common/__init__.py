"""What the three services share: settings, store, journal, server, errors on the wire."""

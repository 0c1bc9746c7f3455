"""The operator commands of the command line.

backup        `spotted backup`
restore       `spotted restore`
token         `spotted token`
certificate   `spotted certificate`
upgrade       `spotted upgrade`
form_cluster  `spotted form-cluster`
store_option  the options that select their store
"""

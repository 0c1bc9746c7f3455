"""What an operator runs beside the services, on the store itself: `spotted backup | restore | upgrade`.

backup_file        the file: framed records, each checked, compressed where it pays
backup             one survey as one instant had it, into a file
backup_directory   many surveys into a directory, the older files of each removed
restore            a file back into a store, all of it or nothing
upgrade            the store's content to the version of this release, step by step
opening            which store is meant, as the commands have it
*_command          these, from the command line
"""

"""The workbench at ``/content``: where the content team edits, reviews and publishes what is known."""

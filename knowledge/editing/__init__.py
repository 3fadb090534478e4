"""Editing what is known: revisions of records, who drafts and who approves, and the exchange with files."""

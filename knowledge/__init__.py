"""What is true, since when, by which official text."""

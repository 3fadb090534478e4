"""The channels, the turn and what is stored of conversations."""

"""The hotline desk: cases that people take over from the machine."""

"""The commands of `isotherm`, one file each."""

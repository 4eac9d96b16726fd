"""The settings under /proc/sys that ndpbr needs: set, remembered, given back."""

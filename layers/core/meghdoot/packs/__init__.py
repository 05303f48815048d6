"""Country packs: everything that is about one land, plugged in through ports."""

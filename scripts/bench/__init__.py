"""How fast things are here: `make bench`. Ratios within one run count, seconds say more of the machine."""

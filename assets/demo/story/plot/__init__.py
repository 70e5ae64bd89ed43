"""What happens, day by day. Each module's `play` adds its sessions; the order is the order in time."""

from . import friday, review, thursday, tuesday, wednesday

DAYS = [tuesday, wednesday, thursday, review, friday]

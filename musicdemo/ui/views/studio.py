"""The studio: hear a piece, change something, hear the next one."""

from musicdemo.ui.studio import studio

studio()

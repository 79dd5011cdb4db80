#!/bin/bash
# All checks of the unit once more, with hardening.conf.

HARDENED=yes
. /box/unit.sh

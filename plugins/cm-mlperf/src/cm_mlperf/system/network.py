"""Network cards from /sys/class/net: real ones only, with their speed where a cable tells it."""

from __future__ import annotations

import os

from cm_mlperf.system import files

#: /sys/class/net/*/type: ARPHRD numbers.
_KINDS = {"1": "Ethernet", "32": "InfiniBand", "801": "Wi-Fi"}


def collect(root: str = "/") -> dict[str, str]:
    """Networking, cards and topology of one machine."""
    cards: list[str] = []
    for name in files.names(root, "sys/class/net"):
        place = os.path.join(root, "sys/class/net", name)
        if os.path.isdir(os.path.join(place, "wireless")):
            kind = "Wi-Fi"
        else:
            kind = _KINDS.get(files.text(place, "type"), "")
        if not kind or not os.path.exists(os.path.join(place, "device")):
            continue
        speed = files.number(place, "speed") or 0
        cards.append(f"{_speed(speed)} {kind}" if speed > 0 else kind)
    # One machine needs no network to be measured; how several are connected only people know.
    if not cards:
        return {
            "host_networking": "N/A",
            "host_network_card_count": "0",
            "host_networking_topology": "N/A",
        }
    each = [f"{cards.count(card)}x {card}" for card in dict.fromkeys(cards)]
    return {
        "host_networking": ", ".join(dict.fromkeys(cards)),
        "host_network_card_count": ", ".join(each),
        "host_networking_topology": "N/A",
    }


def _speed(megabits: int) -> str:
    if megabits >= 1000 and megabits % 1000 == 0:
        return f"{megabits // 1000} Gb/s"
    return f"{megabits} Mb/s"

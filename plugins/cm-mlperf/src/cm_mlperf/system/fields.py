"""The 35 fields of a system description: meaning, which must say something, what may be said."""

from __future__ import annotations

from cmcore.hints import NamedTuple


class Field(NamedTuple):
    """One field: its key, what to write there, and whether it may stay empty."""

    key: str
    help: str
    needed: bool = True


#: In the order of a written description.
FIELDS = (
    Field("division", "open, closed or network"),
    Field("submitter", "name of the organization, as its folder is called"),
    Field("status", "available, preview or rdi (research, development, internal)"),
    Field("system_name", "name of the system for people"),
    Field("system_type", "edge, datacenter or datacenter,edge"),
    Field("system_type_detail", "what kind of system, for example laptop", needed=False),
    Field("number_of_nodes", "machines that work together"),
    Field("host_processor_model_name", "processor as its maker names it"),
    Field("host_processors_per_node", "processors (sockets) per machine"),
    Field("host_processor_core_count", "cores per processor"),
    Field("host_processor_frequency", "clock rate", needed=False),
    Field("host_processor_caches", "caches with their sizes", needed=False),
    Field("host_processor_interconnect", "link between the processors", needed=False),
    Field("host_memory_capacity", "size of the main memory"),
    Field("host_memory_configuration", "memory modules, for example 8x 32 GiB DDR5-4800"),
    Field("host_storage_type", "kind of the disks, for example NVMe SSD"),
    Field("host_storage_capacity", "size of the disks"),
    Field("host_networking", "network and its speed, for example Ethernet 10 Gb/s; N/A without"),
    Field("host_network_card_count", "network cards, for example 1x 10 Gb/s Ethernet; 0 without"),
    Field("host_networking_topology", "how machines are connected; N/A for a single one"),
    Field("accelerators_per_node", "accelerators per machine, 0 without"),
    Field("accelerator_model_name", "accelerator as its maker names it; N/A without"),
    Field("accelerator_frequency", "its clock rate", needed=False),
    Field("accelerator_memory_capacity", "size of its memory; N/A without"),
    Field("accelerator_memory_configuration", "kind of its memory, for example HBM3; N/A without"),
    Field("accelerator_on-chip_memories", "its caches and scratch memories", needed=False),
    Field("accelerator_host_interconnect", "link to the host, for example PCIe; N/A without"),
    Field("accelerator_interconnect", "link between accelerators; N/A without"),
    Field("accelerator_interconnect_topology", "shape of that link", needed=False),
    Field("cooling", "air, liquid, passive"),
    Field("framework", "program that runs the model, with version"),
    Field("operating_system", "name and version"),
    Field("other_software_stack", "further software that matters, with versions"),
    Field("hw_notes", "further words about the hardware", needed=False),
    Field("sw_notes", "further words about the software", needed=False),
)

KEYS = tuple(field.key for field in FIELDS)
NEEDED = frozenset(field.key for field in FIELDS if field.needed)

STATUSES = ("available", "preview", "rdi")
TYPES = ("datacenter", "edge", "datacenter,edge", "edge,datacenter")

#: Fields of a network submission, besides the 35.
NETWORK_KEYS = (
    "is_network",
    "network_type",
    "network_media",
    "network_rate",
    "nic_loadgen",
    "number_nic_loadgen",
    "net_software_stack_loadgen",
    "network_protocol",
    "number_connections",
    "nic_sut",
    "number_nic_sut",
    "net_software_stack_sut",
    "network_topology",
)

#: Further fields that a description may hold.
ALLOWED_KEYS = (*KEYS, *NETWORK_KEYS, "system_power_capacity", "power_management", "filesystem")

#: What is said of a machine whose accelerators take no part, or that has none.
NO_ACCELERATOR = {
    "accelerators_per_node": "0",
    "accelerator_model_name": "N/A",
    "accelerator_frequency": "N/A",
    "accelerator_memory_capacity": "N/A",
    "accelerator_memory_configuration": "N/A",
    "accelerator_on-chip_memories": "N/A",
    "accelerator_host_interconnect": "N/A",
    "accelerator_interconnect": "N/A",
    "accelerator_interconnect_topology": "N/A",
}


def text_of(value: object) -> str:
    """A value as the official checker wants it: text, because it takes the number 0 for empty."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return ""


def problems(described: dict[str, object]) -> list[tuple[str, str]]:
    """Keys of a description that are wrong, each with what is wrong."""
    found = []
    for field in FIELDS:
        if field.key not in described:
            found.append((field.key, "is missing"))
            continue
        value = described[field.key]
        if field.needed and not text_of(value):
            found.append((field.key, f"is empty; it says: {field.help}"))
        elif field.needed and value == 0:
            found.append((field.key, 'is the number 0, which counts as empty; write "0"'))
    status = text_of(described.get("status", "")).lower()
    if status and status not in STATUSES:
        found.append(("status", f"is '{status}', not one of {', '.join(STATUSES)}"))
    kind = text_of(described.get("system_type", ""))
    if kind and kind not in TYPES:
        found.append(("system_type", f"is '{kind}', not one of {', '.join(TYPES[:3])}"))
    if text_of(described.get("is_network", "")).lower() == "true":
        found += [(key, "is missing") for key in NETWORK_KEYS if key not in described]
    return found

"""What a server without modules, cluster and replicas answers to commands about these."""

from cases.views import help_title
from support.case import case, check, expect, norm, own
from support.resp import Error

_CLUSTER = {
    "ADDSLOTS": "1 2",
    "ADDSLOTSRANGE": "1 2",
    "BUMPEPOCH": "",
    "COUNT-FAILURE-REPORTS": "node",
    "COUNTKEYSINSLOT": "1",
    "DELSLOTS": "1",
    "DELSLOTSRANGE": "1 2",
    "FAILOVER": "FORCE",
    "FLUSHSLOTS": "",
    "FORGET": "node",
    "GETKEYSINSLOT": "1 1",
    "HELP": "",
    "INFO": "",
    "KEYSLOT": "k",
    "LINKS": "",
    "MEET": "127.0.0.1 1",
    "MYID": "",
    "NODES": "",
    "REPLICAS": "node",
    "REPLICATE": "node",
    "RESET": "SOFT",
    "SAVECONFIG": "",
    "SET-CONFIG-EPOCH": "1",
    "SETSLOT": "1 STABLE",
    "SHARDS": "",
    "SLAVES": "node",
    "SLOTS": "",
}


def _of_cluster(name, arguments):
    command = f"CLUSTER {name} {arguments}".strip()
    return [case("disabled", command, command + " x" if name == "INFO" else command.lower())]


CASES = {
    "CLUSTER": [case("arity and unknown", "CLUSTER", "CLUSTER NOSUCH", "CLUSTER INFO x")],
    **{f"CLUSTER|{name}": _of_cluster(name, arguments) for name, arguments in _CLUSTER.items()},
    "ASKING": [case("disabled", "ASKING", "ASKING x")],
    "READONLY": [case("disabled", "READONLY", "READONLY x", "MULTI", "READONLY", "EXEC")],
    "READWRITE": [case("disabled", "READWRITE", "READWRITE x")],
    "MODULE": [case("arity and unknown", "MODULE", "MODULE NOSUCH", "MODULE LIST x")],
    "MODULE|LIST": [case("none", "MODULE LIST")],
    "MODULE|HELP": [case("help", norm("MODULE HELP", help_title))],
    "MODULE|LOAD": [case("refused", "MODULE LOAD /lib/nosuch.so", "MODULE LOAD")],
    "MODULE|LOADEX": [case("refused", "MODULE LOADEX /lib/nosuch.so ARGS a", "MODULE LOADEX")],
    "MODULE|UNLOAD": [case("refused", "MODULE UNLOAD nosuch", "MODULE UNLOAD")],
    "REPLICAOF": [
        case("of no one", "REPLICAOF NO ONE", "replicaof no one", "ROLE", "REPLICAOF NO"),
        own(
            "of another",
            expect("REPLICAOF 127.0.0.1 1", Error(b"ERR this server cannot be a replica")),
            check("ROLE", lambda reply: reply[0] == b"master"),
        ),
    ],
    "SLAVEOF": [case("of no one", "SLAVEOF NO ONE", "SLAVEOF")],
    "FAILOVER": [case("no replicas", "FAILOVER", "FAILOVER ABORT", "FAILOVER TO 127.0.0.1 1")],
}

"""Every field of INFO is a fact, is always the same because this server has no such thing, or moves.

A new field belongs into one of the three groups: the last test says which are in none.
"""

import contextlib
import threading
import time

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import Error, Verbatim, encode
from support.server import parse_info, wait_until

pytestmark = pytest.mark.mantis_only

# What the process is and how it was started.
FACTS = """
redis_version redis_git_sha1 redis_git_dirty redis_build_id mantis_version redis_mode os arch_bits
monotonic_clock multiplexing_api atomicvar_api gcc_version process_id process_supervised run_id
tcp_port executable config_file listener0 total_system_memory total_system_memory_human
mem_allocator role master_replid used_memory_startup threads hz configured_hz maxclients maxmemory
maxmemory_human maxmemory_policy
""".split()

# Replication, the append-only file, clusters, modules, scripts, publish/subscribe, client tracking,
# defragmentation and threads for I/O: none of them is here, and no save forks.
NEVER = {
    "0": """
    io_threads_active cluster_connections tracking_clients used_memory_lua used_memory_vm_eval
    used_memory_scripts_eval number_of_cached_scripts number_of_functions number_of_libraries
    used_memory_vm_functions used_memory_vm_total used_memory_functions used_memory_scripts
    mem_replication_backlog mem_total_replication_buffers mem_clients_slaves mem_cluster_links
    mem_aof_buffer active_defrag_running async_loading current_cow_peak current_cow_size
    current_cow_size_age rdb_last_cow_size aof_enabled aof_rewrite_in_progress
    aof_rewrite_scheduled mem_not_counted_for_evict aof_rewrites aof_rewrites_consecutive_failures aof_last_cow_size
    module_fork_in_progress module_fork_last_cow_size total_net_repl_input_bytes
    total_net_repl_output_bytes sync_full sync_partial_ok sync_partial_err pubsub_channels
    pubsub_patterns pubsubshard_channels latest_fork_usec total_forks migrate_cached_sockets
    slave_expires_tracked_keys active_defrag_hits active_defrag_misses active_defrag_key_hits
    active_defrag_key_misses total_active_defrag_time current_active_defrag_time
    tracking_total_keys tracking_total_items tracking_total_prefixes unexpected_error_replies
    io_threaded_reads_processed io_threaded_writes_processed acl_access_denied_cmd
    acl_access_denied_key acl_access_denied_channel connected_slaves master_repl_offset
    repl_backlog_active repl_backlog_size repl_backlog_first_byte_offset repl_backlog_histlen
    cluster_enabled
    """,
    "-1": "aof_last_rewrite_time_sec aof_current_rewrite_time_sec second_repl_offset",
    "ok": "aof_last_bgrewrite_status aof_last_write_status",
    "0B": "used_memory_lua_human used_memory_vm_total_human used_memory_scripts_human",
    "0.00": "current_fork_perc instantaneous_input_repl_kbps instantaneous_output_repl_kbps",
    "no-failover": "master_failover_state",
    "0" * 40: "master_replid2",
}

# Each scenario brings the server into a state and yields; the fields named beside it differ then
# from what they were before it.
MOVES = []


def moves(fields, **setup):
    def register(scenario):
        MOVES.append(pytest.param(scenario, fields.split(), setup, id=scenario.__name__))
        return scenario

    return register


@moves(
    """
    total_commands_processed total_net_input_bytes total_net_output_bytes total_reads_processed
    total_writes_processed total_error_replies engine_reads engine_writes engine_deletes engine_hits
    engine_misses keyspace_hits keyspace_misses cache_hits cache_misses cache_inserts cache_hit_rate
    ordered_index_blocks ordered_index_keys hash_index_buckets instantaneous_ops_per_sec
    instantaneous_input_kbps instantaneous_output_kbps used_cpu_user used_cpu_sys server_time_usec
    uptime_in_seconds lru_clock used_memory used_memory_human used_memory_peak
    used_memory_peak_human used_memory_rss used_memory_rss_human used_memory_overhead
    used_memory_dataset rdb_changes_since_last_save core_0
    """,
    threads="1",
)
def commands_run(_server, client):
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        client.pipeline([("SET", f"k{i}", "x" * 200) for i in range(2000)])
        client.pipeline([("GET", f"k{i}") for i in range(500)] + [("GET", "no"), ("NONSENSE",)])
    client.ok("DEL", "k0")
    yield


@moves("total_connections_received connected_clients")
def a_client_connects(server, _client):
    with server.client() as other:
        other.ok("PING")
        yield


@moves("rejected_connections", maxclients="3")
def too_many_clients(server, client):
    others = [RawClient(server.address) for _ in range(4)]
    wait_until(lambda: field(client, "rejected_connections") != "0", 5, "a refused connection")
    yield
    for other in others:
        other.close()


@moves("blocked_clients total_blocking_keys total_blocking_keys_on_nokey clients_in_timeout_table")
def clients_wait(server, client):
    client.ok("XGROUP", "CREATE", "x", "g", 0, "MKSTREAM")
    with server.client() as first, server.client() as second:
        first.send(encode(("BLPOP", "a", "b", 100)))
        second.send(encode(("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "x", ">")))
        wait_until(lambda: field(client, "blocked_clients") == "2", 5, "clients that wait")
        assert field(client, "total_blocking_keys") == "3"
        assert field(client, "total_blocking_keys_on_nokey") == "1"
        assert field(client, "clients_in_timeout_table") == "1"
        yield


@moves("expired_keys expired_subkeys expire_cycle_cpu_milliseconds")
def keys_and_fields_expire(_server, client):
    client.pipeline([("SET", f"k{i}", 1, "PX", 1) for i in range(20000)])
    client.ok("HSET", "h", "f", 1, "g", 2)
    client.ok("HPEXPIRE", "h", 1, "FIELDS", 1, "f")
    wait_until(lambda: field(client, "expired_subkeys") != "0", 5, "a field that expires")
    wait_until(lambda: client.ok("DBSIZE") == 1, 10, "keys that expire")
    yield


@moves("expired_time_cap_reached_count")
def very_many_keys_expire_at_once(_server, client):
    for begin in range(0, 200_000, 10_000):
        client.pipeline([("SET", f"k{i}", 1, "PXAT", 1) for i in range(begin, begin + 10)])
        client.pipeline([("SET", f"k{i}", 1, "PX", 1500) for i in range(begin, begin + 10_000)])
    wait_until(lambda: client.ok("DBSIZE") == 0, 20, "keys that expire")
    yield


@moves("evicted_keys cache_evictions", maxmemory_policy="allkeys-lru")
def keys_are_evicted(server, client):
    limit = int(field(client, "used_memory")) + 2_000_000
    client.ok("CONFIG", "SET", "maxmemory", limit)
    client.pipeline([("SET", f"k{i}", "x" * 1000) for i in range(5000)])
    yield


@moves("rdb_saves rdb_last_bgsave_time_sec rdb_last_save_time")
def a_snapshot_is_saved(_server, client):
    client.ok("SET", "k", 1)
    time.sleep(1.1)
    client.ok("BGSAVE")
    wait_until(lambda: field(client, "rdb_bgsave_in_progress") == "0", 10, "a snapshot")
    yield


@moves("evicted_clients", maxmemory_clients="3mb")
def clients_hold_too_much(server, client):
    other = RawClient(server.address)
    other.send(b"*2\r\n$3\r\nGET\r\n$9000000\r\n" + b"x" * 5_000_000)
    wait_until(lambda: field(client, "evicted_clients") == "1", 5, "a client that is evicted")
    yield
    other.close()


@moves("total_eviction_exceeded_time current_eviction_exceeded_time")
def nothing_can_be_evicted(_server, client):
    client.ok("SET", "k", "x" * 1_000_000)
    client.ok("CONFIG", "SET", "maxmemory", "500kb", "maxmemory-policy", "volatile-lru")
    client.cmd("SET", "a", 1)
    time.sleep(0.2)
    client.cmd("SET", "a", 1)
    yield


@moves("rdb_last_bgsave_status", enable_protected_configs="yes")
def a_snapshot_fails(server, client):
    client.ok("SET", "k", 1)
    client.ok("CONFIG", "SET", "dbfilename", "taken")
    (server.directory / "taken").mkdir()
    client.cmd("BGSAVE")
    wait_until(lambda: field(client, "rdb_last_bgsave_status") == "err", 10, "a failed snapshot")
    yield


@moves("rdb_last_load_keys_loaded rdb_last_load_keys_expired")
def a_snapshot_is_loaded(server, client):
    client.ok("SET", "k", 1)
    client.ok("SET", "gone", 1, "PX", 300)
    client.ok("SAVE")
    server.kill()
    time.sleep(0.4)
    server.start()
    yield


@moves("client_recent_max_input_buffer mem_clients_normal")
def a_command_is_half_there(server, client):
    with server.client() as other:
        other.send(b"*2\r\n$3\r\nGET\r\n$1000000\r\n" + b"x" * 500_000)
        wait_until(lambda: field(client, "mem_clients_normal") != "0", 5, "memory of a client")
        wait_until(
            lambda: int(field(client, "client_recent_max_input_buffer")) > 100_000, 5, "a buffer"
        )
        yield


@moves("client_recent_max_output_buffer")
def replies_are_not_read(server, client):
    client.ok("SET", "big", "x" * 5_000_000)
    with server.client() as other:
        other.send(encode(("GETRANGE", "big", 0, -1)) * 4)
        wait_until(
            lambda: int(field(client, "client_recent_max_output_buffer")) > 0, 5, "unread replies"
        )
        yield


@moves("client_query_buffer_limit_disconnections", client_query_buffer_limit="1mb")
def a_query_buffer_overflows(server, client):
    other = server.client()
    try:
        other.send(b"*2\r\n$3\r\nGET\r\n$3000000\r\n" + b"x" * 2_000_000)
    except OSError:
        pass
    wait_until(
        lambda: field(client, "client_query_buffer_limit_disconnections") == "1", 5, "the limit"
    )
    yield
    other.close()


@moves(
    "client_output_buffer_limit_disconnections",
    client_output_buffer_limit="normal 100000 0 0",
)
def an_output_buffer_overflows(server, client):
    client.ok("SET", "big", "x" * 1_000_000)
    other = server.client()
    other.send(encode(("GET", "big")) * 20)
    wait_until(
        lambda: field(client, "client_output_buffer_limit_disconnections") == "1", 5, "the limit"
    )
    yield
    other.close()


@moves("acl_access_denied_auth", requirepass="secret")
def a_login_fails(_server, client):
    assert isinstance(client.cmd("AUTH", "wrong"), Error)
    yield


@moves("lazyfreed_objects")
def a_big_value_is_deleted(_server, client):
    client.pipeline([("SADD", "s", *range(i, i + 1000)) for i in range(0, 20000, 1000)])
    client.ok("DEL", "s")
    wait_until(lambda: field(client, "lazyfreed_objects") == "1", 5, "a value that is freed")
    yield


@moves("commands_gathered", threads="1")
def clients_that_do_not_pipeline(server, _client):
    def ask():
        with server.client() as other:
            for _ in range(300):
                other.ok("PING")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield


# Pending for moments only, so no test can wait for them; or changing with the days.
SELDOM = """
retired_objects_pending retired_bytes_pending lazyfree_pending_objects busy_retries uptime_in_days
loading rdb_bgsave_in_progress rdb_current_bgsave_time_sec current_save_keys_processed
current_save_keys_total used_cpu_sys_children
used_cpu_user_children
""".split()

# Computed from fields above.
DERIVED = """
used_memory_peak_perc used_memory_dataset_perc mem_fragmentation_ratio mem_fragmentation_bytes
allocator_allocated allocator_active allocator_resident allocator_frag_ratio allocator_frag_bytes
""".split()


def everything(client):
    reply = client.ok("INFO", "everything")
    return parse_info(reply.text if isinstance(reply, Verbatim) else reply)


def usable(client):
    try:
        return client.cmd("PING") is not None
    except (OSError, ClosedByServer):
        return False


def field(client, name):
    return everything(client)[name]


@pytest.mark.parametrize("scenario, fields, setup", MOVES)
def test_field_moves(launch, scenario, fields, setup):
    flags = []
    for name, value in setup.items():
        flags += [f"--{name.replace('_', '-')}", *value.split()]
    server = launch(*flags)
    server.password = setup.get("requirepass")
    with server.client() as client:
        before = everything(client)
        state = scenario(server, client)
        next(state)
        # A scenario that restarts the server leaves this connection behind.
        with contextlib.ExitStack() as stack:
            if not usable(client):
                client = stack.enter_context(server.client())
            after = everything(client)
        assert [name for name in fields if before[name] == after[name]] == []
        next(state, None)


def test_constants(client):
    info = everything(client)
    for value, names in NEVER.items():
        assert {name: info[name] for name in names.split()} == dict.fromkeys(names.split(), value)


def test_every_field_is_in_a_group(client):
    known = {*FACTS, *SELDOM, *DERIVED}
    for names in NEVER.values():
        known |= set(names.split())
    for parameter in MOVES:
        known |= set(parameter.values[1])
    rows = ("cmdstat_", "errorstat_", "latency_percentiles_usec_", "core_", "db", "listener")
    unknown = [name for name in everything(client) if not name.startswith(rows)]
    assert [name for name in unknown if name not in known] == []

/* Maps as they were defined before BTF. */
#include <linux/bpf.h>
#define SEC(name) __attribute__((section(name), used))

struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags;
};

static void *(*lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;

struct bpf_map_def SEC("maps") counts = {
	.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 8,
};
struct bpf_map_def SEC("maps") names = {
	.type = BPF_MAP_TYPE_HASH, .key_size = 16, .value_size = 4, .max_entries = 4,
};

SEC("socket") int count(struct __sk_buff *ctx)
{
	__u32 index = 0;
	char name[16] = "name";
	__u64 *found = lookup(&counts, &index);

	if (found)
		__sync_fetch_and_add(found, 1);
	return lookup(&names, name) != 0;
}

char _license[] SEC("license") = "GPL";
__u32 _version SEC("version") = 0x041300;

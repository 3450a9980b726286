/* CO-RE relocations of every kind, in programs that any kernel loads: what they ask for becomes a number. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct list_head {
	struct list_head *next, *prev;
} __attribute__((preserve_access_index));

struct pid;

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *group_leader;
	unsigned in_execve : 1;
	struct list_head tasks;
	int no_such_field;
} __attribute__((preserve_access_index));

struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

struct task_struct___new {
	unsigned int __state;
} __attribute__((preserve_access_index));

struct no_such_struct {
	int field;
} __attribute__((preserve_access_index));

typedef int no_such_typedef;
typedef struct { int counter; } atomic_t;

struct sk_buff___mine {
	unsigned int len;
	unsigned char pkt_type : 3;
	unsigned char cloned : 1;
} __attribute__((preserve_access_index));

enum bpf_map_type___mine { BPF_MAP_TYPE_RINGBUF___mine = 1, NO_SUCH_MAP_TYPE = 2 };
enum no_such_enum { NOTHING = 1 };

#define FIELD(type, field, info) __builtin_preserve_field_info(((type *)0)->field, info)

const volatile int chosen;
long results[32];

SEC("socket") int kinds(struct __sk_buff *ctx)
{
	results[0] = FIELD(struct task_struct, comm, BPF_FIELD_BYTE_OFFSET);
	results[1] = FIELD(struct task_struct, comm, BPF_FIELD_BYTE_SIZE);
	results[2] = bpf_core_field_exists(struct task_struct, pid);
	results[3] = bpf_core_field_exists(struct task_struct, no_such_field);
	results[4] = FIELD(struct task_struct, pid, BPF_FIELD_SIGNED);
	results[5] = FIELD(struct sk_buff___mine, pkt_type, BPF_FIELD_LSHIFT_U64);
	results[6] = FIELD(struct sk_buff___mine, pkt_type, BPF_FIELD_RSHIFT_U64);
	results[7] = FIELD(struct sk_buff___mine, cloned, BPF_FIELD_BYTE_SIZE);
	results[8] = bpf_core_type_id_local(struct task_struct);
	results[9] = bpf_core_type_id_kernel(struct task_struct);
	results[10] = bpf_core_type_exists(struct task_struct);
	results[11] = bpf_core_type_exists(struct no_such_struct);
	results[12] = bpf_core_type_size(struct task_struct);
	results[13] = bpf_core_enum_value_exists(enum bpf_map_type___mine, BPF_MAP_TYPE_RINGBUF___mine);
	results[14] = bpf_core_enum_value_exists(enum bpf_map_type___mine, NO_SUCH_MAP_TYPE);
	results[15] = bpf_core_enum_value(enum bpf_map_type___mine, BPF_MAP_TYPE_RINGBUF___mine);
	results[16] = bpf_core_field_exists(struct task_struct___old, state);
	results[17] = bpf_core_field_exists(struct task_struct___new, __state);
	results[18] = bpf_core_type_exists(no_such_typedef);
	results[19] = bpf_core_type_exists(atomic_t);
	results[20] = FIELD(struct task_struct, tasks.prev, BPF_FIELD_BYTE_OFFSET);
	results[21] = FIELD(struct task_struct, comm[3], BPF_FIELD_BYTE_OFFSET);
	results[22] = bpf_core_type_size(struct no_such_struct);
	results[23] = bpf_core_enum_value_exists(enum no_such_enum, NOTHING);
	return 0;
}

/* The guard makes what cannot be resolved dead code. */
SEC("socket") int guarded(struct __sk_buff *ctx)
{
	struct no_such_struct *nothing = 0;

	if (bpf_core_type_exists(struct no_such_struct))
		results[24] = FIELD(struct no_such_struct, field, BPF_FIELD_BYTE_OFFSET);
	if (bpf_core_enum_value_exists(enum no_such_enum, NOTHING))
		results[25] = bpf_core_enum_value(enum no_such_enum, NOTHING);
	return 0;
}

/* And without a guard the verifier meets it. */
SEC("?socket") int unguarded(struct __sk_buff *ctx)
{
	return FIELD(struct no_such_struct, field, BPF_FIELD_BYTE_OFFSET);
}

char LICENSE[] SEC("license") = "GPL";

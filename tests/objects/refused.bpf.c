/* Programs that no kernel takes, each for a reason of its own, and one that every kernel does. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct no_such_struct {
	int field;
} __attribute__((preserve_access_index));

SEC("socket") int unguarded(struct __sk_buff *ctx)
{
	return __builtin_preserve_field_info(((struct no_such_struct *)0)->field, BPF_FIELD_BYTE_OFFSET);
}

SEC("socket") int endless(struct __sk_buff *ctx)
{
	for (;;)
		asm volatile("" ::: "memory");
}

SEC("socket") int out_of_bounds(struct __sk_buff *ctx)
{
	return *(int *)(long)ctx->len;
}

SEC("socket") int fine(struct __sk_buff *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

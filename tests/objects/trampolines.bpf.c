/* Programs that the kernel's BTF names the targets of. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile int process;
long entered, left, traced, seen;

static __attribute__((noinline)) int mine(void)
{
	return bpf_get_current_pid_tgid() >> 32 == process;
}

SEC("fentry/security_task_getpgid") int entry(__u64 *ctx)
{
	if (mine())
		__sync_fetch_and_add(&entered, 1);
	return 0;
}

SEC("fexit/security_task_getpgid") int leaving(__u64 *ctx)
{
	if (mine())
		__sync_fetch_and_add(&left, 1);
	return 0;
}

SEC("tp_btf/sys_enter") int tracepoint(__u64 *ctx)
{
	if (mine())
		__sync_fetch_and_add(&traced, 1);
	return 0;
}

SEC("?lsm/task_getpgid") int hook(__u64 *ctx)
{
	if (mine())
		__sync_fetch_and_add(&seen, 1);
	return 0;
}

/* Replaces a function of another program. */
SEC("?freplace/shared") int replacement(int number)
{
	return number + 1000;
}

char LICENSE[] SEC("license") = "GPL";

/* Programs that count system calls of one process, each attached in another way. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

const volatile int process;
long by_tracepoint, by_raw_tracepoint, by_kprobe;
char name[16];

struct task_struct {
	int tgid;
	char comm[16];
} __attribute__((preserve_access_index));

struct event {
	int process;
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1000);
} events SEC(".maps");

static __attribute__((noinline)) int mine(void)
{
	return bpf_get_current_pid_tgid() >> 32 == process;
}

SEC("tracepoint/syscalls/sys_enter_getpgid") int tracepoint(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct event *event;

	if (!mine())
		return 0;
	__sync_fetch_and_add(&by_tracepoint, 1);
	bpf_probe_read_kernel(name, sizeof(name), &task->comm);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		bpf_probe_read_kernel(&event->process, sizeof(int), &task->tgid);
		bpf_get_current_comm(event->name, sizeof(event->name));
		bpf_ringbuf_submit(event, 0);
	}
	return 0;
}

SEC("raw_tp/sys_enter") int raw_tracepoint(void *ctx)
{
	if (mine())
		__sync_fetch_and_add(&by_raw_tracepoint, 1);
	return 0;
}

SEC("ksyscall/getpgid") int kprobe(void *ctx)
{
	if (mine())
		__sync_fetch_and_add(&by_kprobe, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

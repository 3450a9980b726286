/* Reads the arguments of a tracing point as libbpf's header does. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
/* For kernels without cookies alone, where the header reads the instruction pointer. */
#ifndef __TARGET_ARCH_arm64
#define __TARGET_ARCH_x86
#endif
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

long count, first, second, third, cookie, runs;

SEC("usdt") int on_sale(struct pt_regs *ctx)
{
	long value;

	runs++;
	count = bpf_usdt_arg_cnt(ctx);
	cookie = bpf_usdt_cookie(ctx);
	if (!bpf_usdt_arg(ctx, 0, &value))
		first = value;
	if (!bpf_usdt_arg(ctx, 1, &value))
		second = value;
	if (!bpf_usdt_arg(ctx, 2, &value))
		third = value;
	return 0;
}

char _license[] SEC("license") = "GPL";

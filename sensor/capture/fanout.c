/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program by which the kernel spreads frames over the sockets of a fanout group. It folds the
 * addresses of the IP header, or of the header that an ICMP error quotes, and hashes as
 * decode_steer does; the kernel takes the rest modulo the number of sockets. Tunnels go by their
 * outer pair here: what is inside has no fixed place for classic BPF.
 */
#include "config.h"

#include <linux/filter.h>
#include <linux/if_ether.h>

#include "sensor/capture/ring.h"
#include "sensor/capture/steer.h"

/* Scratch words: what is added to addresses' offsets, the fold so far, and the first side. */
#define M_SHIFT 0
#define M_FOLD  1
#define M_SIDE  2

struct program {
    struct sock_filter *code;
    unsigned len;
};

static unsigned emit(struct program *p, uint16_t code, uint32_t k)
{
    p->code[p->len] = (struct sock_filter){ .code = code, .k = k };
    return p->len++;
}

/* A jump taken when the test holds, to a place that patch() tells. */
static unsigned emit_test(struct program *p, uint16_t test, uint32_t k)
{
    return emit(p, (uint16_t)(BPF_JMP | test | BPF_K), k);
}

static void patch(struct program *p, unsigned at)
{
    p->code[at].jt = (uint8_t)(p->len - at - 1);
}

static uint32_t net(uint32_t offset)
{
    return (uint32_t)SKF_NET_OFF + offset;
}

/* A becomes steer_side of the address of `words` words at `at`. */
static void emit_side(struct program *p, uint32_t at, unsigned words)
{
    emit(p, BPF_LD | BPF_IMM, 0);
    emit(p, BPF_ST, M_FOLD);
    for (unsigned i = 0; i < words; i++) {
        emit(p, BPF_LDX | BPF_MEM, M_SHIFT);
        emit(p, BPF_LD | BPF_W | BPF_IND, net(at + i * 4));
        emit(p, BPF_LDX | BPF_MEM, M_FOLD);
        emit(p, BPF_ALU | BPF_XOR | BPF_X, 0);
        emit(p, BPF_ST, M_FOLD);
    }
    emit(p, BPF_ALU | BPF_MUL | BPF_K, STEER_MULTIPLIER);
    emit(p, BPF_MISC | BPF_TAX, 0);
    emit(p, BPF_ALU | BPF_RSH | BPF_K, STEER_SHIFT);
    emit(p, BPF_ALU | BPF_XOR | BPF_X, 0);
}

/* Return steer_hash of the pair of addresses of `words` words that begins at `at`. */
static void emit_hash(struct program *p, uint32_t at, unsigned words)
{
    emit_side(p, at, words);
    emit(p, BPF_ST, M_SIDE);
    emit_side(p, at + words * 4, words);
    emit(p, BPF_LDX | BPF_MEM, M_SIDE);
    emit(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    emit(p, BPF_ALU | BPF_MUL | BPF_K, STEER_MULTIPLIER);
    emit(p, BPF_ALU | BPF_RSH | BPF_K, STEER_SHIFT);
    emit(p, BPF_RET | BPF_A, 0);
}

static void emit_shift(struct program *p, uint32_t shift)
{
    emit(p, BPF_LD | BPF_IMM, shift);
    emit(p, BPF_ST, M_SHIFT);
}

static void emit_ipv4(struct program *p, uint32_t at)
{
    static const uint8_t errors[] = { 3, 4, 5, 11, 12 };
    unsigned found[sizeof(errors)];
    emit_shift(p, 0);
    emit(p, BPF_LD | BPF_H | BPF_ABS, net(at + 6));
    unsigned fragment = emit_test(p, BPF_JSET, 0x3fff);
    emit(p, BPF_LD | BPF_B | BPF_ABS, net(at + 9));
    unsigned icmp = emit_test(p, BPF_JEQ, 1);
    unsigned other = emit(p, BPF_JMP | BPF_JA, 0);
    patch(p, icmp);
    emit(p, BPF_LD | BPF_B | BPF_ABS, net(at));
    emit(p, BPF_ALU | BPF_AND | BPF_K, 15);
    emit(p, BPF_ALU | BPF_LSH | BPF_K, 2);
    emit(p, BPF_MISC | BPF_TAX, 0);
    emit(p, BPF_LD | BPF_B | BPF_IND, net(at));
    for (unsigned i = 0; i < sizeof(errors); i++)
        found[i] = emit_test(p, BPF_JEQ, errors[i]);
    unsigned no_error = emit(p, BPF_JMP | BPF_JA, 0);
    for (unsigned i = 0; i < sizeof(errors); i++)
        patch(p, found[i]);
    emit(p, BPF_MISC | BPF_TXA, 0);
    emit(p, BPF_ALU | BPF_ADD | BPF_K, 8);
    emit(p, BPF_ST, M_SHIFT);
    p->code[other].k = p->len - other - 1;
    p->code[no_error].k = p->len - no_error - 1;
    patch(p, fragment);
    emit_hash(p, at + 12, 1);
}

static void emit_ipv6(struct program *p, uint32_t at)
{
    emit_shift(p, 0);
    emit(p, BPF_LD | BPF_B | BPF_ABS, net(at + 6));
    unsigned icmp = emit_test(p, BPF_JEQ, 58);
    unsigned other = emit(p, BPF_JMP | BPF_JA, 0);
    patch(p, icmp);
    emit(p, BPF_LD | BPF_B | BPF_ABS, net(at + 40));
    unsigned zero = emit_test(p, BPF_JEQ, 0);
    unsigned above = emit_test(p, BPF_JGT, 4);
    emit_shift(p, 48);
    patch(p, zero);
    patch(p, above);
    p->code[other].k = p->len - other - 1;
    emit_hash(p, at + 8, 4);
}

/* `body` returns; when the type is another one it is jumped over and A still holds the type. */
static void emit_case(struct program *p, uint32_t type, void (*body)(struct program *, uint32_t),
                      uint32_t at)
{
    unsigned match = emit_test(p, BPF_JEQ, type);
    unsigned skip = emit(p, BPF_JMP | BPF_JA, 0);
    patch(p, match);
    body(p, at);
    p->code[skip].k = p->len - skip - 1;
}

unsigned fanout_program(struct sock_filter out[FANOUT_PROGRAM_MAX])
{
    struct program p = { out, 0 };
    emit(&p, BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
    emit_case(&p, ETH_P_IP, emit_ipv4, 0);
    emit_case(&p, ETH_P_IPV6, emit_ipv6, 0);
    unsigned tag = emit_test(&p, BPF_JEQ, ETH_P_8021Q);
    unsigned service = emit_test(&p, BPF_JEQ, ETH_P_8021AD);
    emit(&p, BPF_RET | BPF_K, 0);
    patch(&p, tag);
    patch(&p, service);
    /* A second tag that the card left in the frame: its type stands behind it. */
    emit(&p, BPF_LD | BPF_H | BPF_ABS, net(2));
    emit_case(&p, ETH_P_IP, emit_ipv4, 4);
    emit_case(&p, ETH_P_IPV6, emit_ipv6, 4);
    emit(&p, BPF_RET | BPF_K, 0);
    return p.len;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A mapped rule set: views into the image, and what can't be mapped: Hyperscan databases and
 * regexes. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/app/sums.h"
#include "sensor/detect/dataset.h"
#include "sensor/detect/regex.h"
#include "sensor/detect/state.h"
#include "sensor/detect/tag.h"

#define SEALS_NEEDED (F_SEAL_SHRINK | F_SEAL_WRITE)

/* Map `fd`; a memfd has to be sealed, so that nobody changes it under us. */
static void *image_map(int fd, size_t *len, char *reason, size_t reason_len)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (fstat(fd, &st) < 0 || st.st_size <= 0 || (uint64_t)st.st_size > IMAGE_SIZE_MAX) {
        snprintf(reason, reason_len, "rule image: it is empty, or larger than it may be");
        return NULL;
    }
    if (seals < 0 || (seals & SEALS_NEEDED) != SEALS_NEEDED) {
        snprintf(reason, reason_len, "rule image: it is not sealed");
        return NULL;
    }
    *len = (size_t)st.st_size;
    void *map = mmap(NULL, *len, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (map != MAP_FAILED)
        return map;
    snprintf(reason, reason_len, "rule image: it can't be mapped: %s", strerror(errno));
    return NULL;
}

static void views_set(struct detect_ruleset *set)
{
    const struct image *i = &set->image;
    set->rules = image_section(i, IMAGE_RULES, &set->rule_count);
    set->lists = image_section(i, IMAGE_LISTS, NULL);
    set->ops = image_section(i, IMAGE_OPS, NULL);
    set->blob = image_section(i, IMAGE_BLOB, NULL);
    set->strings = image_section(i, IMAGE_STRINGS, NULL);
    set->specs = image_section(i, IMAGE_SPECS, &set->spec_count);
    set->sets = image_section(i, IMAGE_SETS, NULL);
    set->ranges = image_section(i, IMAGE_RANGES, NULL);
    set->ports = image_section(i, IMAGE_PORTS, NULL);
    set->members = image_section(i, IMAGE_MEMBERS, NULL);
    set->engines = image_section(i, IMAGE_ENGINES, &set->engine_count);
    set->patterns = image_section(i, IMAGE_PATTERNS, NULL);
    set->names = image_section(i, IMAGE_NAMES, NULL);
    set->slots = image_section(i, IMAGE_SLOTS, NULL);
    set->plans = image_section(i, IMAGE_PLANS, NULL);
    set->portmaps = image_section(i, IMAGE_PORTMAPS, NULL);
    set->port_edges = image_section(i, IMAGE_PORT_EDGES, NULL);
    set->ipmaps = image_section(i, IMAGE_IPMAPS, NULL);
    set->ip_edges = image_section(i, IMAGE_IP_EDGES, NULL);
    set->suppress = image_section(i, IMAGE_SUPPRESS, NULL);
    set->bits = image_section(i, IMAGE_BITS, NULL);
    set->sieve_bits = image_section(i, IMAGE_SIEVE_BITS, NULL);
    set->grams = image_section(i, IMAGE_GRAMS, NULL);
    set->gram_slots = image_section(i, IMAGE_GRAM_SLOTS, NULL);
    set->places = image_section(i, IMAGE_PLACES, NULL);
    set->lanes = image_section(i, IMAGE_LANES, NULL);
}

static bool databases_open(struct detect_ruleset *set, char *reason, size_t reason_len)
{
    const char *bytes = image_section(&set->image, IMAGE_DATABASES, NULL);
    uint32_t count = set->engine_count * IMAGE_TIERS;
    set->databases = xcalloc(count + 1, sizeof(struct hs_database *));
    for (uint32_t i = 0; i < count; i++) {
        const struct image_database *d = &set->engines[i / IMAGE_TIERS].tiers[i % IMAGE_TIERS];
        if (d->len == 0)
            continue;
        if (hs_deserialize_database(bytes + d->at, d->len, &set->databases[i]) != HS_SUCCESS ||
            hs_alloc_scratch(set->databases[i], &set->scratch) != HS_SUCCESS) {
            snprintf(reason, reason_len,
                     "rule image: Hyperscan can't use database %u on this machine", i);
            return false;
        }
    }
    return true;
}

static void value_add(struct detect_ruleset *set, struct dataset *d,
                      const struct image_dataset *def, uint32_t i)
{
    const uint8_t *table = set->blob + def->table.at;
    if (def->key_len) {
        (void)dataset_add(d, table + (size_t)i * (def->key_len + 4u), def->key_len);
        return;
    }
    uint32_t entry[3];
    memcpy(entry, table + (size_t)i * sizeof(entry), sizeof(entry));
    (void)dataset_add(d, set->blob + entry[0], entry[1]);
}

/* The sets that rules change, each with what it begins with. */
static void datasets_open(struct detect_ruleset *set)
{
    set->dataset_defs = image_section(&set->image, IMAGE_DATASETS, &set->dataset_count);
    set->datasets = xcalloc(set->dataset_count + 1, sizeof(struct dataset *));
    for (uint32_t i = 0; i < set->dataset_count; i++) {
        const struct image_dataset *def = &set->dataset_defs[i];
        if (!def->changes)
            continue;
        struct dataset *d = dataset_create(set->strings + def->name, def->kind,
                                           (def->memory ? def->memory : DATASET_MEMORY) +
                                               2 * (uint64_t)def->table.len);
        uint32_t count = def->table.len / (def->key_len ? def->key_len + 4u : 12);
        for (uint32_t k = 0; k < count; k++)
            value_add(set, d, def, k);
        set->datasets[i] = d;
    }
}

void detect_ruleset_keep_datasets(struct detect_ruleset *set, const struct detect_ruleset *before)
{
    for (uint32_t i = 0; i < set->dataset_count; i++) {
        for (uint32_t k = 0; set->datasets[i] && k < before->dataset_count; k++) {
            struct dataset *old = before->datasets[k];
            if (!old || strcmp(dataset_name(old), dataset_name(set->datasets[i])) != 0 ||
                dataset_kind(old) != dataset_kind(set->datasets[i]))
                continue;
            uint32_t count =
                set->dataset_defs[i].table.len /
                (set->dataset_defs[i].key_len ? set->dataset_defs[i].key_len + 4u : 12);
            for (uint32_t v = 0; v < count; v++)
                value_add(set, old, &set->dataset_defs[i], v);
            dataset_drop(set->datasets[i]);
            set->datasets[i] = dataset_hold(old);
            break;
        }
    }
}

struct dataset *detect_ruleset_dataset(const struct detect_ruleset *set, uint32_t i,
                                       const char **save, bool *has_state)
{
    *save = set->strings + set->dataset_defs[i].save;
    *has_state = set->dataset_defs[i].has_state;
    return set->datasets[i];
}

uint32_t detect_ruleset_datasets(const struct detect_ruleset *set)
{
    return set->dataset_count;
}

static void regexes_open(struct detect_ruleset *set)
{
    uint32_t count;
    const struct image_regex *all = image_section(&set->image, IMAGE_REGEXES, &count);
    struct regex_source *sources = xcalloc(count + 1, sizeof(*sources));
    for (uint32_t i = 0; i < count; i++)
        sources[i] = (struct regex_source){ (const char *)set->blob + all[i].pattern.at,
                                            all[i].pattern.len, all[i].options };
    set->regexes = regex_set_create(sources, count);
    free(sources);
    uint32_t refused = regex_set_refused(set->regexes);
    if (refused)
        log_warn("detect", "%u regexes can't be compiled here; their rules never match", refused);
}

struct detect_ruleset *detect_ruleset_map(int image_fd, char *reason, size_t reason_len)
{
    size_t len = 0;
    void *map = image_map(image_fd, &len, reason, reason_len);
    if (!map)
        return NULL;
    struct detect_ruleset *set = xcalloc(1, sizeof(*set));
    set->holds = 1;
    set->map = map;
    set->image.len = len;
    if (image_check(map, len, &set->image, reason, reason_len) < 0)
        goto out;
    views_set(set);
    datasets_open(set);
    set->hosts = tag_hosts_create();
    if (!databases_open(set, reason, reason_len))
        goto out;
    regexes_open(set);
    return set;
out:
    detect_ruleset_drop(set);
    return NULL;
}

struct detect_ruleset *detect_ruleset_hold(struct detect_ruleset *set)
{
    __atomic_add_fetch(&set->holds, 1, __ATOMIC_RELAXED);
    return set;
}

void detect_ruleset_drop(struct detect_ruleset *set)
{
    if (!set || __atomic_sub_fetch(&set->holds, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (uint32_t i = 0; set->databases && i < set->engine_count * IMAGE_TIERS; i++)
        hs_free_database(set->databases[i]);
    free(set->databases);
    detect_profile_free(set);
    hs_free_scratch(set->scratch);
    regex_set_free(set->regexes);
    for (uint32_t i = 0; i < set->dataset_count; i++)
        dataset_drop(set->datasets[i]);
    free(set->datasets);
    tag_hosts_free(set->hosts);
    munmap(set->map, set->image.len);
    free(set);
}

const char *detect_ruleset_name(const struct detect_ruleset *set, uint32_t *rules)
{
    if (rules)
        *rules = set->image.header->loaded;
    return set->image.header->name;
}

uint8_t detect_rule_store(const struct detect_ruleset *set, uint32_t index)
{
    return set->rules[index].flags >> IMAGE_RULE_STORE & 7;
}

uint8_t detect_ruleset_sums(const struct detect_ruleset *set)
{
    uint8_t sums = 0;
    for (uint32_t i = 0; i < set->spec_count; i++) {
        enum app_digest_kind kind = app_sums_kind(set->specs[i].buffer);
        if (kind != APP_DIGEST_KINDS)
            sums |= (uint8_t)(1u << kind);
    }
    return sums;
}

void detect_rule_get(const struct detect_ruleset *set, uint32_t index, struct detect_rule *out)
{
    const struct image_rule *r = &set->rules[index];
    *out = (struct detect_rule){
        .sid = r->sid,
        .gid = r->gid,
        .rev = r->rev,
        .order = r->order,
        .action = r->action,
        .priority = r->priority,
        .target = r->target,
        .noalert = r->flags & IMAGE_RULE_NOALERT,
        .threshold = r->threshold,
        .filter = r->filter,
        .msg = set->strings + r->msg,
        .category = set->strings + r->category,
        .metadata = r->metadata ? set->strings + r->metadata : NULL,
        .references = r->references ? set->strings + r->references : NULL,
        .post_ops = set->ops + r->post.first,
        .post_count = r->post.count,
        .shared_ops = set->ops + r->shared.first,
        .shared_count = r->shared.count,
    };
}

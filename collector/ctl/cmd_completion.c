/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion for shells, made of the tables of commands: first words, second words, and the
 * options of each command. `make` keeps the two scripts for `make install`.
 */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"

/** Longest list of words of a script. */
#define WORDS_MAX (1u << 16)

struct words {
    struct buf first;   /* " a b" */
    struct buf seconds; /* lines of a shell's case: what may follow a first word */
    struct buf options; /* the same: the options of a command */
};

static bool has_word(struct buf *words, const char *word)
{
    size_t n = strlen(word);
    const char *at = buf_str(words);
    while ((at = strchr(at, ' '))) {
        at++;
        if (!strncmp(at, word, n) && (at[n] == ' ' || !at[n]))
            return true;
    }
    return false;
}

/* "state= all" as " --state --all". */
static void add_options(struct buf *out, const char *options)
{
    for (const char *at = options; *at;) {
        size_t n = strcspn(at, " ");
        buf_printf(out, " --%.*s", (int)(n - (n && at[n - 1] == '=')), at);
        at += n + (at[n] == ' ');
    }
}

/* First words, each once; for each the second ones; for each command its options. */
static void add_command(void *arg, const struct ctl_command *k)
{
    struct words *w = arg;
    char first[64];
    size_t n = strcspn(k->name, " ");
    snprintf(first, sizeof first, "%.*s", (int)n, k->name);
    if (!has_word(&w->first, first))
        buf_printf(&w->first, " %s", first);
    if (k->name[n])
        buf_printf(&w->seconds, "    [ \"$first\" = %s ] && set -- \"$@\" %s\n", first,
                   k->name + n + 1);
    if (*k->options) {
        buf_printf(&w->options, "    '%s') echo \"", k->name);
        add_options(&w->options, k->options);
        buf_text(&w->options, "\" ;;\n");
    }
}

/* What may stand at word $1 after first word $2; and the options after $1, $2. */
static void print_functions(struct words *w)
{
    struct buf general;
    buf_init(&general, WORDS_MAX);
    add_options(&general, CTL_GLOBAL_OPTIONS);
    printf("_abengctl_words() {\n    local at=$1 first=$2\n    set --\n"
           "    if [ \"$at\" = 1 ]; then echo help%s; return; fi\n"
           "    [ \"$at\" = 2 ] || return 0\n%s    echo \"$@\"\n}\n",
           buf_str(&w->first), buf_str(&w->seconds));
    printf("_abengctl_of() {\n    case $1 in\n%s    esac\n}\n", buf_str(&w->options));
    printf("_abengctl_options() {\n    local own\n    own=$(_abengctl_of \"$1 $2\")\n"
           "    echo \"${own:-$(_abengctl_of \"$1\")}%s\"\n}\n",
           buf_str(&general));
    buf_free(&general);
}

static const char bash_end[] =
    "_abengctl() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} words\n"
    "    if [[ $cur == -* ]]; then\n"
    "        words=$(_abengctl_options \"${COMP_WORDS[1]}\" \"${COMP_WORDS[2]}\")\n"
    "    else\n"
    "        words=$(_abengctl_words \"$COMP_CWORD\" \"${COMP_WORDS[1]}\")\n"
    "    fi\n"
    "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
    "}\n"
    "complete -o default -F _abengctl abengctl\n";

/* As a file of $fpath the script is the function itself, and is asked at once. */
static const char zsh_end[] =
    "_abengctl() {\n"
    "    if [[ ${words[CURRENT]} == -* ]]; then\n"
    "        compadd -- ${=\"$(_abengctl_options \"${words[2]}\" \"${words[3]}\")\"}\n"
    "    else\n"
    "        compadd -- ${=\"$(_abengctl_words $((CURRENT - 1)) \"${words[2]}\")\"}\n"
    "        _files\n"
    "    fi\n"
    "}\n"
    "if [ \"${funcstack[1]}\" = _abengctl ]; then\n"
    "    _abengctl \"$@\"\n"
    "else\n"
    "    compdef _abengctl abengctl\n"
    "fi\n";

static enum ctl_exit completion(struct ctl *c)
{
    struct words w;
    const char *shell = ctl_word(c, 0);
    bool zsh = !strcmp(shell, "zsh");
    if (!zsh && strcmp(shell, "bash") != 0)
        return ctl_usage("completion is there for bash and zsh");
    buf_init(&w.first, WORDS_MAX);
    buf_init(&w.seconds, WORDS_MAX);
    buf_init(&w.options, WORDS_MAX);
    ctl_commands_each(add_command, &w);
    printf("%s# abengctl completion for %s\n", zsh ? "#compdef abengctl\n" : "", shell);
    print_functions(&w);
    fputs(zsh ? zsh_end : bash_end, stdout);
    buf_free(&w.first);
    buf_free(&w.seconds);
    buf_free(&w.options);
    return CTL_OK;
}

static const struct ctl_command commands[] = {
    { "completion", "SHELL", "", 1, 1,
      "a script for bash or zsh: source <(abengctl completion zsh)", completion },
};

const struct ctl_commands ctl_completion_commands = { commands,
                                                      sizeof commands / sizeof *commands };

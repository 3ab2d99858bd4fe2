/* Runs a target over the files of its corpus, where there is no libFuzzer. Each
 * file is given whole and cut short in many places: that finds what reads on. */
#include "tests/fuzz/target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (1024u * 1024u)
#define CUTS_MAX       200u

/* In memory of its very size, so that a sanitizer sees each byte beyond it. */
static void give(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);

    if (exact == NULL)
        abort();
    memcpy(exact, data, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static int run_file(const char *path)
{
    uint8_t *data = malloc(FILE_MAX_BYTES);
    FILE *file = fopen(path, "rb");
    size_t len, step;

    if (data == NULL || file == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 1;
    }
    len = fread(data, 1, FILE_MAX_BYTES, file);
    fclose(file);
    step = len / CUTS_MAX + 1;
    for (size_t cut = 0; cut < len; cut += step)
        give(data, cut);
    give(data, len);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    struct dirent *entry;
    char path[4096];
    int wrong = 0, files = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

    if (dir == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name) < (int)sizeof(path))
            wrong += run_file(path);
        files++;
    }
    closedir(dir);
    printf("%d files\n", files);
    return wrong > 0 || files == 0;
}

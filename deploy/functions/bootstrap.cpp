// `bootstrap` of a function's zip: starts the program beside it with the loader and the libraries
// beside it, so that nothing of the machine's own is asked for. Linked statically.
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include <unistd.h>

int main(int count, char** arguments) {
    static char here[PATH_MAX + 1];
    const auto length = readlink("/proc/self/exe", here, PATH_MAX);
    // Lambda has /proc; where there is none, it says where the zip lies.
    const char* told = std::getenv("LAMBDA_TASK_ROOT");
    if (length > 0) *std::strrchr(here, '/') = 0;
    else std::snprintf(here, sizeof here, "%s", told ? told : ".");

    static char loader[2 * PATH_MAX], libraries[2 * PATH_MAX], program[2 * PATH_MAX],
        authorities[2 * PATH_MAX];
    std::snprintf(loader, sizeof loader, "%s/lib/ld-linux.so", here);
    std::snprintf(libraries, sizeof libraries, "%s/lib", here);
    std::snprintf(program, sizeof program, "%s/bin/functions", here);
    std::snprintf(authorities, sizeof authorities, "%s/lib/ca-certificates.crt", here);
    setenv("STOA_CA_FILE", authorities, 0);

    static char* passed[64];
    int n = 0;
    static char option[] = "--library-path";
    for (char* each : {+loader, +option, +libraries, +program}) passed[n++] = each;
    for (int i = 1; i < count && n < 63; ++i) passed[n++] = arguments[i];
    execv(loader, passed);
    std::perror(loader);
    return 127;
}

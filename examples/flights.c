/*
 * flights.c - which flights left more than 30 minutes late and still arrived on time?
 *
 * Five columns are packed by one mask, which is computed once. A cancelled flight's minutes are NaN, and no comparison with
 * NaN is true, so it drops out by itself.
 *
 *     example_flights [FOLDER]     where the columns are; default examples/data/flights
 */
#include "clock.h"
#include "read_npy.h"

static const char expression[] = "late_but_on_time = dep_delay > 30 & arr_delay <= 0;\n"
                                 "output day = day_of_month[late_but_on_time];\n"
                                 "output from = origin[late_but_on_time];\n"
                                 "output miles = distance[late_but_on_time];\n"
                                 "output left = dep_delay[late_but_on_time];\n"
                                 "output arrived = arr_delay[late_but_on_time];\n";

enum { COLUMNS = 5, SHOWN = 6, RUNS = 20 };
static const char *const files[COLUMNS] = {"day", "origin", "distance", "dep_delay", "arr_delay"};
static const char *const names[COLUMNS] = {"day_of_month", "origin", "distance", "dep_delay",
                                           "arr_delay"};

static void print_rows(const wn_array *const *out) {
    static const char *const airports[] = {"EWR", "JFK", "LGA"};
    const int8_t *day = out[0]->data;
    const uint8_t *from = out[1]->data;
    const int16_t *miles = out[2]->data;
    const float *left = out[3]->data, *arrived = out[4]->data;
    puts("    January  from  miles  left late  arrived");
    for (int64_t i = 0; i < SHOWN && i < out[0]->shape[0]; i++)
        printf("    %7d  %4s  %5d  %6.0f min  %3.0f min\n", day[i], airports[from[i] % 3], miles[i],
               (double)left[i], (double)arrived[i]);
    if (out[0]->shape[0] > SHOWN) puts("    ...");
}

static double best_run_ms(wn_binding *binding) {
    double best = 1e9;
    wn_error error;
    for (int i = 0; i < RUNS; i++) {
        double start = now_ms();
        if (wn_run(binding, &error) != WN_OK) give_up("run", error.message);
        double took = now_ms() - start;
        if (took < best) best = took;
    }
    return best;
}

int main(int argc, char **argv) {
    wn_context *ctx = wn_context_new(NULL);
    wn_graph *g = wn_graph_new(ctx);
    wn_array in[COLUMNS], nowhere[COLUMNS] = {0};
    for (int i = 0; i < COLUMNS; i++) {
        in[i] = read_npy(argc > 1 ? argv[1] : "examples/data/flights", files[i]);
        wn_input(g, names[i], in[i].type, WN_ANY);
    }
    wn_parse(g, expression, strlen(expression));

    double start = now_ms();
    wn_kernel *kernel = wn_compile(g, NULL);
    double compiled = now_ms() - start;
    if (!kernel) give_up("compile", wn_graph_error(g));

    wn_binding *binding;
    wn_error error;
    if (wn_bind(kernel, in, COLUMNS, nowhere, COLUMNS, &binding, &error) != WN_OK)
        give_up("bind", error.message);
    double ran = best_run_ms(binding);

    const wn_array *out[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        out[i] = wn_result(binding, i);
    printf("%lld of %lld flights left more than 30 minutes late and arrived on time:\n",
           (long long)out[0]->shape[0], (long long)in[0].shape[0]);
    print_rows(out);
    printf("compiled in %.2f ms, run in %.3f ms: %.2f ns a flight\n", compiled, ran,
           ran * 1e6 / (double)in[0].shape[0]);

    wn_binding_free(binding);
    wn_kernel_free(kernel);
    wn_graph_free(g);
    wn_context_free(ctx);
    for (int i = 0; i < COLUMNS; i++)
        free(in[i].data);
}

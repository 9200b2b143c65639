/*
 * cutout.c - a picture whose background is masked out by colour: what is bright and nearly grey becomes blue.
 *
 * Red, green and blue are views of the picture: the same bytes, three apart. As [rows, columns, 1] they give a mask that
 * broadcasts over the picture's [rows, columns, 3], and that picks the foreground's pixels out of each view.
 *
 *     example_cutout [FOLDER [PICTURE]]     default examples/data/astronaut cutout.png
 */
#include "clock.h"
#include "read_npy.h"
#include "write_png.h"

static const char expression[] =
    "spread = maximum(maximum(red, green), blue) - minimum(minimum(red, green), blue);\n"
    "background = red > 110 & spread < 38;\n"
    "output cutout = background ? colour : picture;\n"
    "output r = red[!background];\n"
    "output g = green[!background];\n"
    "output b = blue[!background];\n";

enum { INPUTS = 5, OUTPUTS = 4, RUNS = 20 };

/* picture, its three channels, and the colour to put in the background's place */
static void make_inputs(wn_array in[INPUTS], const wn_array *picture, const uint8_t colour[3]) {
    const int64_t shape[] = {picture->shape[0], picture->shape[1], 1};
    in[0] = *picture;
    for (int i = 0; i < 3; i++) {
        in[1 + i] = wn_array_of(WN_U8, (uint8_t *)picture->data + i, 3, shape);
        memcpy(in[1 + i].strides, picture->strides, sizeof picture->strides);
    }
    in[4] = wn_vector(WN_U8, colour, 3);
}

static wn_graph *make_graph(wn_context *ctx) {
    wn_graph *g = wn_graph_new(ctx);
    wn_input(g, "picture", WN_U8, WN_ANY, WN_ANY, 3);
    wn_input(g, "red", WN_U8, WN_ANY, WN_ANY, 1);
    wn_input(g, "green", WN_U8, WN_ANY, WN_ANY, 1);
    wn_input(g, "blue", WN_U8, WN_ANY, WN_ANY, 1);
    wn_input(g, "colour", WN_U8, 3);
    wn_parse(g, expression, strlen(expression));
    return g;
}

static double mean(const wn_array *a) {
    const uint8_t *v = a->data;
    double sum = 0;
    for (int64_t i = 0; i < a->shape[0]; i++)
        sum += v[i];
    return sum / (double)a->shape[0];
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
    static const uint8_t colour[3] = {30, 90, 160};
    const char *path = argc > 2 ? argv[2] : "cutout.png";
    wn_context *ctx = wn_context_new(NULL);
    wn_graph *g = make_graph(ctx);

    double start = now_ms();
    wn_kernel *kernel = wn_compile(g, NULL);
    double compiled = now_ms() - start;
    if (!kernel) give_up("compile", wn_graph_error(g));

    wn_array picture = read_npy(argc > 1 ? argv[1] : "examples/data/astronaut", "astronaut");
    wn_array in[INPUTS], nowhere[OUTPUTS] = {0};
    make_inputs(in, &picture, colour);
    wn_binding *binding;
    wn_error error;
    if (wn_bind(kernel, in, INPUTS, nowhere, OUTPUTS, &binding, &error) != WN_OK)
        give_up("bind", error.message);
    double ran = best_run_ms(binding);

    int64_t pixels = picture.shape[0] * picture.shape[1];
    const wn_array *cutout = wn_result(binding, 0), *kept = wn_result(binding, 1);
    printf("%lld of %lld pixels are foreground; their mean colour is (%.0f, %.0f, %.0f)\n",
           (long long)kept->shape[0], (long long)pixels, mean(kept), mean(wn_result(binding, 2)),
           mean(wn_result(binding, 3)));
    printf("compiled in %.2f ms, run in %.3f ms: %.2f ns a pixel\n", compiled, ran,
           ran * 1e6 / (double)pixels);
    if (!write_png(path, cutout->data, (uint32_t)cutout->shape[1], (uint32_t)cutout->shape[0]))
        give_up(path, "cannot be written");

    wn_binding_free(binding);
    wn_kernel_free(kernel);
    wn_graph_free(g);
    wn_context_free(ctx);
    free(picture.data);
}

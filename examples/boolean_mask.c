/* boolean_mask.c - tf.boolean_mask(t, m): the elements where m is true. Prints [10 30 40 70]. */
#include <winnow/winnow.h>

#include <stdio.h>

int main(void) {
    int32_t data[] = {10, 20, 30, 40, 50, 60, 70, 80};
    bool mask[] = {true, false, true, true, false, false, true, false};

    wn_context *ctx = wn_context_new(NULL);
    wn_graph *g = wn_graph_new(ctx);
    wn_node t = wn_input(g, "t", WN_I32, WN_ANY);
    wn_node m = wn_input(g, "m", WN_BOOL, WN_ANY);
    wn_output(g, "v", wn_boolean_mask(t, m));

    wn_kernel *kernel = wn_compile(g, NULL);
    if (!kernel) return fprintf(stderr, "%s\n", wn_graph_error(g)), 1;

    /* Without data, the result is allocated at its exact length, and is ours. */
    wn_array in[] = {wn_vector(WN_I32, data, 8), wn_vector(WN_BOOL, mask, 8)}, out = {0};
    wn_error error;
    if (wn_call(kernel, in, 2, &out, 1, &error) != WN_OK)
        return fprintf(stderr, "%s\n", error.message), 1;

    const int32_t *kept = out.data;
    for (int64_t i = 0; i < out.shape[0]; i++)
        printf("%s%d", i ? " " : "[", (int)kept[i]);
    puts("]");

    wn_array_free(ctx, &out);
    wn_kernel_free(kernel);
    wn_graph_free(g);
    wn_context_free(ctx);
}

/* where.c - tf.where(tf.less(x, 0), 0, x): nothing below 0 stays. Prints [1 2 0 4 0]. */
#include <winnow/winnow.h>

#include <stdio.h>

int main(void) {
    float data[] = {1, 2, -3, 4, -5}, result[5] = {0};

    wn_context *ctx = wn_context_new(NULL);
    wn_graph *g = wn_graph_new(ctx);
    wn_node x = wn_input(g, "x", WN_F32, WN_ANY);
    wn_output(g, "y", wn_where(wn_less(x, 0), 0, x));

    wn_kernel *kernel = wn_compile(g, NULL);
    if (!kernel) return fprintf(stderr, "%s\n", wn_graph_error(g)), 1;

    wn_array in = wn_vector(WN_F32, data, 5), out = wn_vector(WN_F32, result, 5);
    wn_error error;
    if (wn_call(kernel, &in, 1, &out, 1, &error) != WN_OK)
        return fprintf(stderr, "%s\n", error.message), 1;

    for (int i = 0; i < 5; i++)
        printf("%s%g", i ? " " : "[", (double)result[i]);
    puts("]");

    wn_kernel_free(kernel);
    wn_graph_free(g);
    wn_context_free(ctx);
}

// A product's pictures: what is dropped here is uploaded one after another, and its sizes follow within seconds.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask, type Product } from "../api/client";
import { working } from "../shared/ui/focus";
import { Notice } from "./parts";
import { api, explain } from "./shop";
import { DropFiles, useUploads } from "./uploads";

type Image = NonNullable<Product["images"]>[number];

// What is to be seen of it, in the editor's small frame.
function Preview({ image }: { image: Image }) {
  const url = image.variants.find((each) => each.size === 150 && each.content_type === "image/jpeg")?.url;
  if (url) return <img src={url} alt="" className="aspect-square w-full rounded-md bg-sand object-cover" />;
  const refused = image.status === "refused";
  return (
    <span className={`flex aspect-square w-full items-center justify-center rounded-md p-2 text-center text-xs ${refused ? "bg-rust-wash text-rust" : "skeleton text-soft"}`}>
      {refused ? "Refused" : "In the making"}
    </span>
  );
}

export function ProductPictures({ product }: { product: Product }) {
  const client = useQueryClient();
  const path = { id: product.id };
  const key = ["products", "pictures", product.id];
  const list = useQuery({
    queryKey: key,
    queryFn: () => ask(api.GET("/api/v1/products/{id}/images", { params: { path } })),
    initialData: { images: product.images ?? [] },
    staleTime: 0,
    refetchInterval: (query) => (query.state.data?.images.some((each) => each.status === "processing") ? 400 : false),
  });
  const images = list.data.images;
  const changed = () => client.invalidateQueries({ queryKey: key });
  const uploads = useUploads({ path: () => `/api/v1/products/${encodeURIComponent(product.id)}/images`, most_mb: 20, changed });
  const order = useMutation({
    mutationFn: (ids: string[]) => ask(api.PUT("/api/v1/products/{id}/images", { params: { path }, body: { images: ids } })),
    onSettled: changed,
  });
  const remove = useMutation({
    mutationFn: (image: string) => ask(api.DELETE("/api/v1/products/{id}/images/{image}", { params: { path: { ...path, image } } })),
    onSettled: changed,
  });
  const move = (from: number, to: number) => {
    const ids = images.map((each) => each.id);
    ids.splice(to, 0, ...ids.splice(from, 1));
    order.mutate(ids);
  };
  const busy = uploads.add.isPending || order.isPending || remove.isPending;
  const failed = uploads.add.error ?? order.error ?? remove.error ?? list.error;
  return (
    <section aria-label="Pictures" className="space-y-3">
      <h3 className="text-sm font-medium">Pictures</h3>
      {images.length > 0 && (
        <ol className="grid grid-cols-3 gap-3" aria-label="Pictures in order">
          {images.map((image, n) => (
            <li key={image.id} className="min-w-0" data-testid="picture" data-status={image.status}>
              <Preview image={image} />
              <div className="mt-1 flex items-center justify-between text-soft">
                <span className="flex">
                  <button type="button" className="min-h-9 min-w-8 rounded-md hover:text-ink disabled:opacity-40 aria-disabled:opacity-40" aria-label={`Picture ${n + 1}: earlier`} disabled={n === 0} {...working(busy)} onClick={() => move(n, n - 1)}>
                    ←
                  </button>
                  <button type="button" className="min-h-9 min-w-8 rounded-md hover:text-ink disabled:opacity-40 aria-disabled:opacity-40" aria-label={`Picture ${n + 1}: later`} disabled={n === images.length - 1} {...working(busy)} onClick={() => move(n, n + 1)}>
                    →
                  </button>
                </span>
                <button type="button" className="min-h-9 min-w-8 rounded-md hover:text-rust disabled:opacity-40 aria-disabled:opacity-40" aria-label={`Picture ${n + 1}: delete`} {...working(busy)} onClick={() => remove.mutate(image.id)}>
                  ×
                </button>
              </div>
              {image.problem && <p className="text-xs text-rust [overflow-wrap:anywhere]">{image.problem}</p>}
            </li>
          ))}
        </ol>
      )}
      <DropFiles
        uploads={uploads}
        busy={busy}
        accept="image/jpeg,image/png,image/webp,image/gif"
        name="Picture files"
        choose="Choose pictures"
        hint="or drop them here. JPEG, PNG, WebP or GIF, at most 20 MB each. The first is shown in lists."
      />
      {failed && <Notice>{explain(failed)}</Notice>}
    </section>
  );
}

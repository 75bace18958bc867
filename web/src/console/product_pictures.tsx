// A product's pictures: what is dropped here is uploaded one after another, and its sizes follow within seconds.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type DragEvent } from "react";
import { ask, type Product } from "../api/client";
import { ApiProblem, Unreachable } from "../api/problem";
import { working } from "../shared/ui/focus";
import { Bar, Notice } from "./parts";
import { api, explain, session } from "./shop";

type Image = NonNullable<Product["images"]>[number];

// fetch does not tell how much has gone out.
function send(path: string, file: File, token: string | null, told: (share: number) => void): Promise<XMLHttpRequest> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total);
    request.onload = () => done(request);
    request.onerror = () => failed(new Unreachable(undefined));
    request.send(file);
  });
}

const largest_bytes = 20 * 1024 * 1024;

export async function upload(product_id: string, file: File, told: (share: number) => void): Promise<void> {
  const path = `/api/v1/products/${encodeURIComponent(product_id)}/images`;
  // The shop refuses it as well, but not before much of it has gone out.
  if (file.size > largest_bytes) throw new ApiProblem(413, { detail: "the picture has more than 20 MB" });
  const token = await session.token();
  let answer = await send(path, file, token, told);
  if (answer.status === 401 && token) answer = await send(path, file, await session.renew(token), told);
  if (answer.status === 201) return;
  let said: object = {};
  try {
    said = JSON.parse(answer.responseText) as object;
  } catch {
    // Whoever answered was not the shop: the status says what there is to say.
  }
  throw new ApiProblem(answer.status, said);
}

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
  const chooser = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [going, setGoing] = useState<{ name: string; share: number; left: number } | null>(null);
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
  const add = useMutation({
    mutationFn: async (files: File[]) => {
      for (const [n, file] of files.entries()) {
        const say = (share: number) => setGoing({ name: file.name, share, left: files.length - n - 1 });
        say(0);
        await upload(product.id, file, say).catch((why: unknown) => {
          throw why instanceof ApiProblem ? new ApiProblem(why.status, { detail: `${file.name}: ${why.message}` }) : why;
        });
        await changed();
      }
    },
    onSettled: () => (setGoing(null), changed()),
  });
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
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const files = [...event.dataTransfer.files];
    if (files.length && !add.isPending) add.mutate(files);
  };
  const busy = add.isPending || order.isPending || remove.isPending;
  const failed = add.error ?? order.error ?? remove.error ?? list.error;
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
      <div
        data-testid="drop-pictures"
        onDragOver={(event) => (event.preventDefault(), setOver(true))}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        className={`rounded-box border border-dashed px-4 py-5 text-center text-sm ${over ? "border-pine bg-pine-wash" : "border-line"}`}
      >
        <input
          ref={chooser}
          type="file"
          accept="image/jpeg,image/png,image/webp,image/gif"
          multiple
          className="sr-only"
          tabIndex={-1}
          aria-label="Picture files"
          onChange={(event) => {
            const files = [...(event.target.files ?? [])];
            event.target.value = "";
            if (files.length) add.mutate(files);
          }}
        />
        {going ? (
          <div className="space-y-2" role="status">
            <p className="truncate">
              {going.name}
              {going.left > 0 && <span className="text-soft">{`, ${going.left} more`}</span>}
            </p>
            <Bar share={going.share} label={`${Math.round(going.share * 100)} % sent`} />
          </div>
        ) : (
          <>
            <button type="button" className="button button-plain" {...working(busy)} onClick={() => chooser.current?.click()}>
              Choose pictures
            </button>
            <p className="mt-2 text-soft">or drop them here. JPEG, PNG, WebP or GIF, at most 20 MB each. The first is shown in lists.</p>
          </>
        )}
      </div>
      {failed && <Notice>{explain(failed)}</Notice>}
    </section>
  );
}

// A product's documents: what customers may save from its page.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask } from "../api/client";
import { fileSize } from "../shared/format";
import { working } from "../shared/ui/focus";
import { Notice } from "./parts";
import { api, explain } from "./shop";
import { DropFiles, useUploads } from "./uploads";

export function ProductDocuments({ product_id }: { product_id: string }) {
  const client = useQueryClient();
  const path = { id: product_id };
  const key = ["products", "documents", product_id];
  const list = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/products/{id}/documents", { params: { path } })), staleTime: 0 });
  const documents = list.data?.documents ?? [];
  const changed = () => client.invalidateQueries({ queryKey: key });
  const uploads = useUploads({
    path: (name) => `/api/v1/products/${encodeURIComponent(product_id)}/documents?name=${encodeURIComponent(name)}`,
    most_mb: 50,
    changed,
  });
  const remove = useMutation({
    mutationFn: (document: string) => ask(api.DELETE("/api/v1/products/{id}/documents/{document}", { params: { path: { ...path, document } } })),
    onSettled: changed,
  });
  const busy = uploads.add.isPending || remove.isPending;
  const failed = uploads.add.error ?? remove.error ?? list.error;
  return (
    <section aria-label="Documents" className="space-y-3">
      <h3 className="text-sm font-medium">Documents</h3>
      {documents.length > 0 && (
        <ul className="divide-y divide-line rounded-box border border-line text-sm">
          {documents.map((each) => (
            <li key={each.id} className="flex items-center gap-3 pl-3" data-testid="document">
              <a href={each.url} className="min-w-0 flex-1 truncate py-2 underline-offset-4 hover:underline" title={each.name}>
                {each.name}
              </a>
              <span className="shrink-0 tabular-nums text-soft">{fileSize(each.size_bytes)}</span>
              <button type="button" className="min-h-9 min-w-9 rounded-md text-soft hover:text-rust disabled:opacity-40 aria-disabled:opacity-40" aria-label={`${each.name}: delete`} {...working(busy)} onClick={() => remove.mutate(each.id)}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <DropFiles
        uploads={uploads}
        busy={busy}
        accept=".pdf,.zip,.docx,.xlsx,.pptx,.odt,.ods,image/jpeg,image/png,image/webp,image/gif"
        name="Document files"
        choose="Choose documents"
        hint="or drop them here. PDF, ZIP, office documents or pictures, at most 50 MB each and twenty in all. Customers can save them from the product's page."
      />
      {failed && <Notice>{explain(failed)}</Notice>}
    </section>
  );
}

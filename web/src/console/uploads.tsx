// Files that an operator sends as they are: chosen or dropped, one after another, with what has gone out of each.
import { useMutation } from "@tanstack/react-query";
import { useRef, useState, type DragEvent } from "react";
import { ApiProblem, Unreachable } from "../api/problem";
import { working } from "../shared/ui/focus";
import { Bar } from "./parts";
import { session } from "./shop";

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

async function upload(path: string, file: File, told: (share: number) => void): Promise<void> {
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

interface UploadTarget {
  // Where a file of this name goes.
  path: (name: string) => string;
  most_mb: number;
  // After each file that has arrived.
  changed: () => Promise<unknown>;
}

export function useUploads({ path, most_mb, changed }: UploadTarget) {
  const [going, setGoing] = useState<{ name: string; share: number; left: number } | null>(null);
  const add = useMutation({
    mutationFn: async (files: File[]) => {
      for (const [n, file] of files.entries()) {
        const say = (share: number) => setGoing({ name: file.name, share, left: files.length - n - 1 });
        say(0);
        try {
          // The shop refuses it as well, but not before much of it has gone out.
          if (file.size > most_mb * 1024 * 1024) throw new ApiProblem(413, { detail: `the file has more than ${most_mb} MB` });
          await upload(path(file.name), file, say);
        } catch (why) {
          throw why instanceof ApiProblem ? new ApiProblem(why.status, { detail: `${file.name}: ${why.message}` }) : why;
        }
        await changed();
      }
    },
    onSettled: () => (setGoing(null), changed()),
  });
  return { add, going };
}

export function DropFiles({
  uploads: { add, going },
  busy,
  accept,
  name,
  choose,
  hint,
}: {
  uploads: ReturnType<typeof useUploads>;
  busy: boolean;
  accept: string;
  name: string; // of what is asked for, as "Picture files"
  choose: string;
  hint: string;
}) {
  const chooser = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = (files: File[]) => {
    if (files.length && !add.isPending) add.mutate(files);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take([...event.dataTransfer.files]);
  };
  return (
    <div
      data-testid={`drop-${name.toLowerCase().replace(" ", "-")}`}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={`rounded-box border border-dashed px-4 py-5 text-center text-sm ${over ? "border-pine bg-pine-wash" : "border-line"}`}
    >
      <input
        ref={chooser}
        type="file"
        accept={accept}
        multiple
        className="sr-only"
        tabIndex={-1}
        aria-label={name}
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = "";
          take(files);
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
            {choose}
          </button>
          <p className="mt-2 text-soft">{hint}</p>
        </>
      )}
    </div>
  );
}

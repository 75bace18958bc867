// A table of any length: rows that are not seen are not there, and more are fetched as the end comes near.
import { flexRender, getCoreRowModel, useReactTable, type DisplayColumnDef } from "@tanstack/react-table";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { Notice } from "./parts";
import { explain } from "./shop";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData, TValue> {
    width: string; // of a grid track
    right?: boolean;
    narrow?: string; // its track on small screens, which show no other columns
    _?: [TData, TValue];
  }
}

const row_px = 52;

type More = { has: boolean; busy: boolean; failed: unknown; load: () => void };

// What a list that comes in pages says of its next one.
export function useMore<T>(list: UseInfiniteQueryResult<InfiniteData<T>>): More {
  const { hasNextPage: has, isFetchingNextPage: busy, isFetchNextPageError, error, fetchNextPage } = list;
  const failed = isFetchNextPageError ? error : null;
  return useMemo(() => ({ has, busy, failed, load: () => void fetchNextPage() }), [has, busy, failed, fetchNextPage]);
}

export function DataTable<T>(props: {
  label: string;
  rows: T[];
  columns: DisplayColumnDef<T>[];
  idOf: (row: T) => string;
  onOpen?: (row: T) => void;
  openLabel?: (row: T) => string;
  more?: More;
}) {
  const { rows, more } = props;
  const body = useRef<HTMLDivElement>(null);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => row_px,
    overscan: 12,
    scrollMargin: body.current?.offsetTop ?? 0,
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  // The table's model is made of what is seen alone: one of ten thousand rows, again at each that come, is a second's work.
  const first = shown[0]?.index ?? 0;
  const seen = useMemo(() => rows.slice(first, last + 1), [rows, first, last]);
  const table = useReactTable({ data: seen, columns: props.columns, getRowId: props.idOf, getCoreRowModel: getCoreRowModel() });
  useEffect(() => {
    // A page that could not be had is asked for again by a person, not by each render.
    if (more?.has && !more.busy && !more.failed && last >= rows.length - 20) more.load();
  }, [last, rows.length, more]);

  const wide = props.columns.map((each) => each.meta?.width ?? "1fr").join(" ");
  const narrow = props.columns
    .map((each) => each.meta?.narrow)
    .filter(Boolean)
    .join(" ");
  const cell = (meta: { right?: boolean; narrow?: string } | undefined) =>
    `min-w-0 truncate px-2 lg:px-3 ${meta?.right ? "text-right tabular-nums" : ""} ${meta?.narrow ? "" : "max-lg:hidden"}`;
  const all = table.getRowModel().rows;
  return (
    <>
    <div role="table" aria-label={props.label} aria-rowcount={more?.has ? -1 : rows.length + 1} className="text-[0.9rem]">
      <div ref={setTracks(narrow, wide)} role="row" className="tracks sticky top-0 z-10 grid border-b border-line bg-card text-sm text-soft max-md:top-14">
        {table.getFlatHeaders().map((header) => (
          <div key={header.id} role="columnheader" className={`${cell(header.column.columnDef.meta)} py-2.5`}>
            {flexRender(header.column.columnDef.header, header.getContext())}
          </div>
        ))}
      </div>
      <div ref={body} role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
        {shown.map((item) => {
          const row = all[item.index - first];
          if (!row) return null;
          return (
            <div
              key={row.id}
              ref={setTracks(narrow, wide)}
              role="row"
              aria-rowindex={item.index + 2}
              className={`tracks absolute inset-x-0 grid items-center border-b border-line ${props.onOpen ? "cursor-pointer hover:bg-sand" : ""}`}
              style={{ height: row_px, transform: `translateY(${item.start - virtual.options.scrollMargin}px)` }}
              onClick={() => props.onOpen?.(row.original)}
            >
              {row.getVisibleCells().map((each, n) => (
                <div key={each.id} role="cell" className={cell(each.column.columnDef.meta)}>
                  {n === 0 && props.onOpen ? (
                    <button
                      type="button"
                      className="max-w-full truncate font-medium hover:underline"
                      aria-label={props.openLabel?.(row.original)}
                      onClick={(event) => {
                        event.stopPropagation();
                        props.onOpen?.(row.original);
                      }}
                    >
                      {flexRender(each.column.columnDef.cell, each.getContext())}
                    </button>
                  ) : (
                    flexRender(each.column.columnDef.cell, each.getContext())
                  )}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
    {more?.has && more.failed ? (
      <div className="space-y-3 p-4">
        <Notice>The list goes on, but the next part did not come. {explain(more.failed)}</Notice>
        <button type="button" className="button button-plain" onClick={more.load}>
          Try again
        </button>
      </div>
    ) : null}
    </>
  );
}

// Tracks as custom properties: what is narrow is the style sheet's business.
const setTracks = (narrow: string, wide: string) => (at: HTMLElement | null) => {
  at?.style.setProperty("--narrow", narrow);
  at?.style.setProperty("--wide", wide);
};

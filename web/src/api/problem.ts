// A failure as the API tells it (RFC 9457), or a request that reached nobody.
import type { components } from "./schema.gen";

export type ProblemDocument = components["schemas"]["problem_document"];
export type FieldProblem = { pointer: string; code: string; detail: string; available?: number };

export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: FieldProblem[];
  readonly allowed: string[];
  readonly requestId: string;

  constructor(status: number, body: Partial<ProblemDocument>) {
    super(body.detail || body.title || `The shop answered ${status}.`);
    this.name = "ApiProblem";
    this.status = status;
    this.code = body.code ?? "unknown";
    this.fields = (body.errors ?? []) as FieldProblem[];
    this.allowed = body.allowed ?? [];
    this.requestId = body.request_id ?? "";
  }
}

// The request or its answer was lost: what it did is unknown, so it may only be sent again where that is safe.
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("The shop cannot be reached.", { cause });
    this.name = "Unreachable";
  }
}

export async function problemOf(answer: Response): Promise<ApiProblem> {
  const body = ((await answer.json().catch(() => null)) ?? {}) as Partial<ProblemDocument>;
  return new ApiProblem(answer.status, body);
}

// Whether sending the same request again later may help.
export function isPassing(why: unknown): boolean {
  return why instanceof Unreachable || (why instanceof ApiProblem && [429, 502, 503, 504].includes(why.status));
}

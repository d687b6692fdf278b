import type * as z from 'zod';

/** A question with one answer; may be cancelled by the asker. */
export interface Request<Params, Result> {
  kind: 'request';
  method: string;
  params: z.ZodType<Params>;
  result: z.ZodType<Result>;
}

export type ParamsOf<R> = R extends Request<infer Params, unknown> ? Params : never;

/** Something the other side is told, with no answer. */
export interface Notification<Params> {
  kind: 'notification';
  method: string;
  params: z.ZodType<Params>;
}

export function request<Params, Result>(
  method: string,
  params: z.ZodType<Params>,
  result: z.ZodType<Result>,
): Request<Params, Result> {
  return { kind: 'request', method, params, result };
}

export function notification<Params>(method: string, params: z.ZodType<Params>): Notification<Params> {
  return { kind: 'notification', method, params };
}

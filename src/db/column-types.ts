import type { ColumnType, JSONColumnType } from 'kysely'

export type Time = ColumnType<Date, Date | undefined, Date>
export type OptionalTime = ColumnType<Date | null, Date | null | undefined, Date | null>
export type Json<T> = JSONColumnType<T & object, string, string>
export type OptionalJson<T> = ColumnType<T | null, string | null | undefined, string | null>

import { costText } from '../model/cost.ts'

/** Why nothing more is started for a worker that has spent so much since midnight UTC; undefined while it may. */
export function budgetObstacle(budgetPerDay: number | null, spent: number): string | undefined {
  if (budgetPerDay === null || spent < budgetPerDay) return undefined
  return `has used up its budget of ${Number(costText(budgetPerDay))} for today (UTC)`
}

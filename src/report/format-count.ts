// Whole numbers for people: 1,218,624.

export const formatCount = (value: number): string => `${value}`.replace(/\B(?=(\d{3})+(?!\d))/g, ',');

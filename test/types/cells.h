/*-------------------------------------------------------------------------
 *
 * cells.h
 *		Cells of tab separated files, escaped as COPY's text format does.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CELLS_H
#define CELLS_H

#include <stdlib.h>
#include <string.h>

/* Undoes COPY's escapes in place; returns the length. */
static inline size_t
unescape(char *cell)
{
	static const char letters[] = "tnrbfv";
	static const char meant[] = "\t\n\r\b\f\v";
	char	   *out = cell;

	for (const char *in = cell; *in != '\0'; in++)
	{
		const char *found;

		if (*in != '\\' || in[1] == '\0')
		{
			*out++ = *in;
			continue;
		}
		in++;
		found = strchr(letters, *in);
		if (found)
			*out++ = meant[found - letters];
		else if (*in == 'x')
		{
			char		hex[3] = {in[1], in[2], '\0'};

			*out++ = (char) strtol(hex, NULL, 16);
			in += 2;
		}
		else
			*out++ = *in;
	}
	*out = '\0';
	return (size_t) (out - cell);
}

/*
 * Splits a line at tabs, in place, into at most "max" cells; returns the
 * number of cells.
 */
static inline int
split(char *line, char **cells, int max)
{
	int			n = 0;

	line[strcspn(line, "\n")] = '\0';
	while (n < max)
	{
		char	   *tab = strchr(line, '\t');

		cells[n++] = line;
		if (tab == NULL)
			break;
		*tab = '\0';
		line = tab + 1;
	}
	return n;
}

#endif							/* CELLS_H */

/*-------------------------------------------------------------------------
 *
 * libphonenumber.cc
 *		What libphonenumber's C++ API takes to judge phone numbers: reads them
 *		from standard input, a line each, prints microseconds of processor
 *		time a value.
 *
 *	g++ -O2 -o libphonenumber libphonenumber.cc -lphonenumber
 *
 *-------------------------------------------------------------------------
 */
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

int
main()
{
	const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
	std::vector<std::string> values;
	PhoneNumber number;
	std::size_t nvalid = 0;

	for (std::string line; std::getline(std::cin, line);)
		values.push_back(line);

	/* regular expressions are compiled when they are first used */
	for (std::size_t i = 0; i < values.size() && i < 1000; i++)
		util.Parse(values[i], "CN", &number);

	std::clock_t start = std::clock();

	for (const std::string &value : values)
	{
		number.Clear();
		if (util.Parse(value, "CN", &number) == PhoneNumberUtil::NO_PARSING_ERROR &&
			util.IsValidNumber(number))
			nvalid++;
	}
	double		seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;

	std::cerr << nvalid << " of " << values.size() << " are valid\n";
	std::cout << 1e6 * seconds / static_cast<double>(values.size()) << "\n";
	return 0;
}
